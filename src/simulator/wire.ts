/** The shapes that the simulator puts on the wire, named as OpenRouter names them. */

export interface ErrorBody {
  error: {
    message: string;
    code: number | string;
    metadata?: Readonly<Record<string, unknown>>;
    availability?: Availability;
  };
  user_id?: string;
}

/** `error.availability`: why no endpoint can serve the request. */
export interface Availability {
  code: string;
  retryable: boolean;
  requested_models: readonly string[];
  retry_after?: number;
  excluded_by?: readonly string[];
  fallback_models?: readonly string[];
  constraint?: { field: string; detail: string };
  docs_url: string;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** USD charged for the completion. */
  cost: number;
  is_byok: boolean;
  prompt_tokens_details: {
    cached_tokens: number;
    cache_write_tokens: number;
    audio_tokens: number;
    video_tokens: number;
  };
  cost_details: {
    upstream_inference_cost: number | null;
    upstream_inference_prompt_cost: number;
    upstream_inference_completions_cost: number;
    server_tool_cost?: number;
  };
  completion_tokens_details: { reasoning_tokens: number; image_tokens: number; audio_tokens: number };
  server_tool_use_details?: {
    tool_calls_requested: number;
    tool_calls_executed: number;
    web_search_requests: number;
  };
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error';

export interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}
