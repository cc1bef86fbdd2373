/** One thing wrong with a field of a request: where, and Discord's code and sentence for it. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
}

/**
 * A request the API refuses. `status` is the HTTP status, `code` and `message` are Discord's own; `problems` become the `errors` tree
 * of a 50035.
 */
export class DiscordRefusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly problems: readonly Problem[];

  constructor(status: number, code: number, message: string, problems: readonly Problem[] = []) {
    super(message);
    this.name = 'DiscordRefusal';
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** The refusals of the API by Discord's code, with the status each comes with. */
const known = {
  unknownApplication: [404, 10002, 'Unknown Application'],
  unknownChannel: [404, 10003, 'Unknown Channel'],
  unknownGuild: [404, 10004, 'Unknown Guild'],
  unknownMember: [404, 10007, 'Unknown Member'],
  unknownMessage: [404, 10008, 'Unknown Message'],
  unknownUser: [404, 10013, 'Unknown User'],
  unknownEmoji: [400, 10014, 'Unknown Emoji'],
  unknownWebhook: [404, 10015, 'Unknown Webhook'],
  unknownSku: [404, 10027, 'Unknown SKU'],
  unknownEntitlement: [404, 10029, 'Unknown Entitlement'],
  unknownInteraction: [404, 10062, 'Unknown interaction'],
  tooManyReactions: [400, 30010, 'Maximum number of reactions reached (20)'],
  tooManyCommands: [400, 30032, 'Maximum number of application commands reached'],
  tooManyCommandCreates: [
    400,
    30034,
    'Max number of daily application command creates has been reached (200)',
  ],
  tooLarge: [413, 40005, 'Request entity too large'],
  forumChannel: [400, 40058, 'Cannot send a message in a forum channel'],
  alreadyAcknowledged: [400, 40060, 'Interaction has already been acknowledged.'],
  tooManyFollowUps: [400, 40094, 'This interaction has hit the maximum number of follow up messages'],
  badUserAgent: [
    403,
    40333,
    'Cloudflare is blocking your request. This can often be resolved by setting a proper User Agent',
  ],
  missingAccess: [403, 50001, 'Missing Access'],
  notInDms: [400, 50003, 'Cannot execute action on a DM channel'],
  notAuthor: [403, 50005, 'Cannot edit a message authored by another user'],
  emptyMessage: [400, 50006, 'Cannot send an empty message'],
  unreachableUser: [403, 50007, 'Cannot send messages to this user'],
  notText: [400, 50008, 'Cannot send messages in a non-text channel'],
  missingPermissions: [403, 50013, 'Missing Permissions'],
  systemMessage: [403, 50021, 'Cannot execute action on a system message'],
  wrongChannelType: [400, 50024, 'Cannot execute action on this channel type'],
  invalidWebhookToken: [401, 50027, 'Invalid Webhook Token'],
  invalidRecipients: [400, 50033, 'Invalid Recipient(s)'],
  invalidVersion: [400, 50041, 'Invalid API version'],
  archivedThread: [400, 50083, 'Thread is archived'],
  invalidJson: [400, 50109, 'The request body contains invalid JSON.'],
  fileNotFound: [400, 50146, 'Uploaded file not found.'],
  voiceNotEditable: [403, 50162, 'Voice messages cannot be edited.'],
  noMutualGuilds: [403, 50278, 'Cannot send messages to this user due to having no mutual guilds'],
  cannotReply: [400, 160002, 'Cannot reply without permission to read message history'],
  threadExists: [400, 160004, 'A thread has already been created for this message'],
  lockedThread: [403, 160005, 'Thread is locked'],
  unreadableForward: [400, 160014, 'You cannot forward a message whose content you cannot read'],
  unauthorized: [401, 0, '401: Unauthorized'],
  notFound: [404, 0, '404: Not Found'],
  notAllowed: [405, 0, '405: Method Not Allowed'],
} as const satisfies Readonly<Record<string, readonly [number, number, string]>>;

export function refusal(name: keyof typeof known): DiscordRefusal {
  const [status, code, message] = known[name];
  return new DiscordRefusal(status, code, message);
}

/** The 400 for fields that are wrong (code 50035). */
export function invalidForm(problems: readonly Problem[]): DiscordRefusal {
  return new DiscordRefusal(400, 50035, 'Invalid Form Body', problems);
}

/** The 400 for one wrong field; `path` is dotted, as in `message_reference` or `data.flags`. */
export function invalidField(path: string, code: string, message: string): DiscordRefusal {
  return invalidForm([{ path: path === '' ? [] : path.split('.'), code, message }]);
}

/** The body a refusal is answered with. */
export function refusalBody({ message, code, problems }: DiscordRefusal): object {
  if (problems.length === 0) return { message, code };
  return { message, code, errors: errorTree(problems) };
}

interface ErrorTree {
  [key: string]: ErrorTree | { code: string; message: string }[];
}

/** Discord's shape: the fields' names nest, and each wrong one has a list under `_errors`. */
function errorTree(problems: readonly Problem[]): ErrorTree {
  const root: ErrorTree = {};
  for (const { path, code, message } of problems) {
    let node = root;
    for (const key of path) {
      node[key] ??= {};
      node = node[key] as ErrorTree;
    }
    const errors = (node['_errors'] ?? []) as { code: string; message: string }[];
    node['_errors'] = [...errors, { code, message }];
  }
  return root;
}
