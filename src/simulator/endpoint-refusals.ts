import { refuse, type Refusal } from './errors.ts';
import type { Availability } from './wire.ts';

/** The refusals of a request that no endpoint can serve, with OpenRouter's texts. */

const providerDocs =
  'To learn more about provider routing, visit: https://openrouter.ai/docs/guides/routing/provider-selection';

/** `error.availability` for one model; not retryable unless the caller says so. */
export function availability(code: string, modelId: string): Availability {
  return {
    code,
    retryable: false,
    requested_models: [modelId],
    docs_url: 'https://openrouter.ai/docs/api-reference/errors',
  };
}

export function modelNotFound(modelId: string): Refusal {
  return refuse(400, `${modelId} is not a valid model ID`, {
    availability: availability('model_not_found', modelId),
  });
}

export function noEndpoints(modelId: string): Refusal {
  return refuse(404, `No endpoints found for ${modelId}.`, {
    availability: availability('no_endpoints', modelId),
  });
}

/** The `:free` variant of a model that is still there for money. */
export function freeVariantEnded(modelId: string): Refusal {
  return refuse(404, `No endpoints found for ${modelId}.`, {
    availability: {
      ...availability('free_variant_ended', modelId),
      fallback_models: [modelId.replace(/:free$/, '')],
    },
  });
}

export function privacyRestricted(modelId: string, excludedBy: readonly string[]): Refusal {
  return refuse(
    404,
    'No endpoints available matching your guardrail restrictions and data policy. Configure: https://openrouter.ai/settings/privacy',
    { availability: { ...availability('privacy_restricted', modelId), excluded_by: excludedBy } },
  );
}

/** A preference in `provider` (named by `field`) that leaves no endpoint. */
export function constraintFiltered(
  modelId: string,
  message: string,
  constraint: { field: string; detail: string },
): Refusal {
  return refuse(404, message, {
    availability: { ...availability('constraint_filtered', modelId), constraint },
  });
}

export function noInput(modality: string): Refusal {
  return refuse(404, `No endpoints found that support ${modality} input`);
}

export function noToolUse(toolName: string): Refusal {
  return refuse(
    404,
    `No endpoints found that support tool use. Try disabling "${toolName}". ${providerDocs}`,
  );
}

export function noToolChoice(): Refusal {
  return refuse(404, `No endpoints found that support the provided 'tool_choice' value. ${providerDocs}`);
}

export function noStructuredOutputs(): Refusal {
  return refuse(404, `No endpoints found that support structured outputs. ${providerDocs}`);
}

export function unsupportedParameter(modelId: string, name: string): Refusal {
  return constraintFiltered(
    modelId,
    `No endpoints found that can handle the requested parameters. ${providerDocs}`,
    { field: 'provider.require_parameters', detail: `${name} is not supported` },
  );
}

/** A prompt and an allowance for the answer that exceed the context together. */
export function contextTooLong(contextTokens: number, promptTokens: number, outputTokens: number): Refusal {
  return refuse(
    400,
    `This endpoint's maximum context length is ${contextTokens} tokens. However, you requested about ${promptTokens + outputTokens} tokens (${promptTokens} of text input, ${outputTokens} in the output). Please reduce the length of either one, or use the context-compression plugin to compress your prompt automatically.`,
    { metadata: { error_type: 'context_length_exceeded' } },
  );
}

/** A tool that the service itself runs failed, or stands in a request that it can't run one for. */
export function serverToolFailed(): Refusal {
  return refuse(400, 'Server tool request failed');
}
