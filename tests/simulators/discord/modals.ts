import type { Wire } from './world.ts';

/** What a person fills into a modal, by `custom_id`: text, or the chosen values of a select. */
export type ModalValues = Readonly<Record<string, string | readonly string[]>>;

const rowType = 1;
const textInputType = 4;
const labelType = 18;

/** `components` of a modal's submission. Throws when the client would not send it: an unknown, missing, too short or too long field. */
export function modalFields(modal: Wire, values: ModalValues): Wire[] {
  const used = new Set<string>();
  const fields = (modal['components'] as readonly Wire[]).map((component, index) => {
    const place = { type: component['type'], id: component['id'] ?? index + 1 };
    if (component['type'] === labelType) {
      return { ...place, component: filled(component['component'] as Wire, values, used) };
    }
    if (component['type'] !== rowType) return place;
    const inputs = component['components'] as readonly Wire[];
    return { ...place, components: inputs.map((input) => filled(input, values, used)) };
  });
  const unknown = Object.keys(values).filter((name) => !used.has(name));
  if (unknown.length > 0) throw new Error(`The modal has no field "${unknown.join('", "')}".`);
  return fields;
}

function filled(field: Wire, values: ModalValues, used: Set<string>): Wire {
  const customId = String(field['custom_id']);
  used.add(customId);
  const place = { type: field['type'], id: field['id'] ?? 100 + used.size, custom_id: customId };
  const value = values[customId];
  if (field['type'] !== textInputType) return { ...place, values: value ?? [] };
  const {
    value: preset,
    required,
    min_length: least,
    max_length: most,
  } = field as {
    value?: string | null;
    required?: boolean | null;
    min_length?: number | null;
    max_length?: number | null;
  };
  const text = typeof value === 'string' ? value : (preset ?? '');
  if (text === '' && required !== false) throw new Error(`The field "${customId}" is required.`);
  if (text !== '' && (text.length < (least ?? 0) || text.length > (most ?? 4000))) {
    throw new Error(`The field "${customId}" takes ${least ?? 0} to ${most ?? 4000} characters.`);
  }
  return { ...place, value: text };
}
