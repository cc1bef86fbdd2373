import type { Problem } from './refusal.ts';
import type { Wire } from './world.ts';

/** Component types by Discord's names (components/reference). */
const types = {
  row: 1,
  button: 2,
  stringSelect: 3,
  section: 9,
  textDisplay: 10,
  thumbnail: 11,
  gallery: 12,
  file: 13,
  separator: 14,
  container: 17,
} as const;

const linkStyle = 5;
const premiumStyle = 6;
const mostRows = 5;
const mostComponents = 40;
const mostText = 4000;

/** Everything wrong with a message's components beyond their shape, in Discord's words. */
export function componentProblems(components: readonly Wire[], isV2: boolean): Problem[] {
  const all = components.flatMap((component, index) => flatten(component, ['components', index]));
  return [
    ...(isV2 ? v2Problems(all) : legacyProblems(components)),
    ...all.flatMap(({ component, path }) => singleProblems(component, path)),
    ...duplicateProblems(all),
  ];
}

/** The components as the API gives them back: numbered, and with what was left out filled in. */
export function placedComponents(components: readonly Wire[]): Wire[] {
  const taken = new Set(
    components.flatMap((component) => flatten(component, [])).map(({ component }) => component['id']),
  );
  let last = 0;
  const nextId = (): number => {
    do last += 1;
    while (taken.has(last));
    return last;
  };
  return components.map((component) => placed(component, nextId));
}

/** A button or select that a person can use, by its `custom_id`. */
export function findControl(components: readonly Wire[], customId: string): Wire | undefined {
  return components
    .flatMap((component) => flatten(component, []))
    .map(({ component }) => component)
    .find((component) => component['custom_id'] === customId);
}

interface Found {
  readonly component: Wire;
  readonly path: readonly (string | number)[];
}

function flatten(component: Wire, path: readonly (string | number)[]): Found[] {
  const children = list(component['components']).flatMap((child, index) =>
    flatten(child, [...path, 'components', index]),
  );
  const accessory = component['accessory'] as Wire | undefined;
  return [
    { component, path },
    ...children,
    ...(accessory === undefined ? [] : flatten(accessory, [...path, 'accessory'])),
  ];
}

function list(value: unknown): Wire[] {
  return Array.isArray(value) ? (value as Wire[]) : [];
}

function legacyProblems(components: readonly Wire[]): Problem[] {
  const rows = components.flatMap((component, index): Problem[] =>
    component['type'] === types.row
      ? []
      : [
          {
            path: ['components', index, 'type'],
            code: 'UNION_TYPE_CHOICES',
            message: 'Value of field "type" must be one of (1,).',
          },
        ],
  );
  if (components.length <= mostRows) return rows;
  return [
    ...rows,
    {
      path: ['components'],
      code: 'BASE_TYPE_BAD_LENGTH',
      message: `Must be between 1 and ${mostRows} in length.`,
    },
  ];
}

function v2Problems(all: readonly Found[]): Problem[] {
  const text = all.reduce((sum, { component }) => sum + textLength(component), 0);
  const problems: Problem[] = [];
  if (all.length > mostComponents) {
    problems.push({
      path: ['components'],
      code: 'COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED',
      message: `The total number of components cannot exceed ${mostComponents}`,
    });
  }
  if (text > mostText) {
    problems.push({
      path: ['components'],
      code: 'COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED',
      message: `The total displayable text size cannot exceed ${mostText} characters`,
    });
  }
  return problems;
}

function textLength({ type, content }: Wire): number {
  return type === types.textDisplay ? String(content).length : 0;
}

function singleProblems(component: Wire, path: Found['path']): Problem[] {
  if (component['type'] === types.row) return rowProblems(component, path);
  if (component['type'] === types.button) return buttonProblems(component, path);
  return [];
}

function rowProblems(row: Wire, path: Found['path']): Problem[] {
  const children = list(row['components']);
  const hasSelect = children.some(({ type }) => type !== types.button);
  return hasSelect && children.length > 1
    ? [
        {
          path: [...path, 'components'],
          code: 'COMPONENT_LAYOUT_WIDTH_EXCEEDED',
          message: 'Component max width exceeded',
        },
      ]
    : [];
}

function buttonProblems(button: Wire, path: Found['path']): Problem[] {
  const given = (name: string): boolean => button[name] !== undefined && button[name] !== null;
  const needed = { [linkStyle]: 'url', [premiumStyle]: 'sku_id' }[Number(button['style'])] ?? 'custom_id';
  const problems = ['url', 'sku_id', 'custom_id'].flatMap((name): Problem[] => {
    if (name === needed && !given(name)) {
      return [{ path: [...path, name], code: 'BASE_TYPE_REQUIRED', message: 'This field is required' }];
    }
    if (name === needed || !given(name)) return [];
    const message = `A button of this style cannot have a ${name}`;
    return [{ path: [...path, name], code: 'BUTTON_COMPONENT_INVALID_FIELD', message }];
  });
  if (needed === 'sku_id') return [...problems, ...premiumProblems(button, path)];
  if (given('label') || given('emoji')) return problems;
  return [
    ...problems,
    { path, code: 'BUTTON_COMPONENT_INVALID_BUTTON', message: 'A button must have a label or an emoji' },
  ];
}

/** Its text is the shop's (components/reference "Button"). */
function premiumProblems(button: Wire, path: Found['path']): Problem[] {
  return ['label', 'emoji'].flatMap((name): Problem[] =>
    button[name] === undefined || button[name] === null
      ? []
      : [
          {
            path: [...path, name],
            code: 'BUTTON_COMPONENT_INVALID_FIELD',
            message: `A button of this style cannot have a ${name}`,
          },
        ],
  );
}

function duplicateProblems(all: readonly Found[]): Problem[] {
  const seen = new Set<unknown>();
  const problems: Problem[] = [];
  for (const { component, path } of all) {
    const customId = component['custom_id'];
    if (typeof customId === 'string' && seen.has(customId)) {
      problems.push({
        path: [...path, 'custom_id'],
        code: 'COMPONENT_CUSTOM_ID_DUPLICATED',
        message: 'Component custom id cannot be duplicated',
      });
    }
    seen.add(customId);
  }
  return problems;
}

function placed(component: Wire, nextId: () => number): Wire {
  const fields = withoutNulls(component);
  const id = typeof fields['id'] === 'number' && fields['id'] > 0 ? fields['id'] : nextId();
  const accessory = fields['accessory'] as Wire | undefined;
  return {
    ...defaultsOf(Number(component['type'])),
    ...fields,
    id,
    ...(Array.isArray(fields['components'])
      ? { components: list(fields['components']).map((child) => placed(child, nextId)) }
      : {}),
    ...(accessory === undefined ? {} : { accessory: placed(accessory, nextId) }),
    ...(fields['media'] === undefined ? {} : { media: unfurled(fields['media'] as Wire, id) }),
    ...(fields['file'] === undefined ? {} : { file: unfurled(fields['file'] as Wire, id) }),
    ...(Array.isArray(fields['items'])
      ? { items: list(fields['items']).map((item) => galleryItem(item, id)) }
      : {}),
  };
}

function defaultsOf(type: number): Wire {
  if (type === types.stringSelect || (type > 4 && type < 9)) return { min_values: 1, max_values: 1 };
  if (type === types.thumbnail) return { description: null, spoiler: false };
  if (type === types.file) return { name: null, size: null, spoiler: false };
  if (type === types.separator) return { spacing: 1, divider: true };
  if (type === types.container) return { accent_color: null, spoiler: false };
  return {};
}

function galleryItem(item: Wire, id: number): Wire {
  return {
    description: null,
    spoiler: false,
    ...withoutNulls(item),
    media: unfurled(item['media'] as Wire, id),
  };
}

function unfurled({ url }: Wire, id: number): Wire {
  return { id: String(id), url, proxy_url: url };
}

function withoutNulls(fields: Wire): Wire {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}
