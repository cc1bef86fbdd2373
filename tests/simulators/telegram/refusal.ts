/** What Telegram adds to a refusal (Bot API ResponseParameters). */
export interface RefusalParameters {
  retry_after?: number;
  migrate_to_chat_id?: number;
}

/**
 * A request the Bot API refuses. The HTTP status of the answer equals `code`; `description` is the exact text a client reads.
 */
export class TelegramRefusal extends Error {
  readonly code: number;
  readonly description: string;
  readonly parameters: RefusalParameters | undefined;

  constructor(code: number, description: string, parameters?: RefusalParameters) {
    super(description);
    this.name = 'TelegramRefusal';
    this.code = code;
    this.description = description;
    this.parameters = parameters;
  }
}

/** A 400 with the prefix every such description carries. */
export function badRequest(reason: string, parameters?: RefusalParameters): TelegramRefusal {
  return new TelegramRefusal(400, `Bad Request: ${reason}`, parameters);
}

/** A 403 with the prefix every such description carries. */
export function forbidden(reason: string): TelegramRefusal {
  return new TelegramRefusal(403, `Forbidden: ${reason}`);
}
