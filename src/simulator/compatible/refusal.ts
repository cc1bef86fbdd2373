import type { Refusal } from './service.ts';

/** Builds an error as Google writes it: in a list, with the name of the status and `details`. */
export function googleError(
  code: number,
  status: string,
  message: string,
  details: readonly object[] = [],
): Refusal {
  const error = { code, message, status, ...(details.length > 0 && { details }) };
  return { status: code, body: [{ error }] };
}

export function invalidPayload(fields: readonly string[]): Refusal {
  const descriptions = fields.map(
    (field) => `Invalid JSON payload received. Unknown name "${field}": Cannot find field.`,
  );
  const fieldViolations = descriptions.map((description) => ({ description }));
  return googleError(400, 'INVALID_ARGUMENT', descriptions.join('\n'), [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations },
  ]);
}

/** A quota that is used up, with the delay that Google asks for. */
export function quotaSpent(quotaId: string, model: string, retryDelay: string): Refusal {
  const message = [
    'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.',
    `* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 10, model: ${model}`,
    `Please retry in ${retryDelay}.`,
  ].join('\n');
  return googleError(429, 'RESOURCE_EXHAUSTED', message, [
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [
        {
          quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
          quotaId,
          quotaDimensions: { location: 'global', model },
        },
      ],
    },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
  ]);
}

/** Builds an error as Hugging Face's router writes it: the sentence alone. */
export function sentence(
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return { status, body: { error }, headers };
}

/** Builds an error as a provider behind the router writes it, in OpenAI's shape. */
export function openAiError(status: number, message: string, code: string): Refusal {
  return { status, body: { error: { message, type: 'invalid_request_error', param: 'model', code } } };
}
