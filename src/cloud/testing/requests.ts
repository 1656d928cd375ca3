import type { GenerationRequest } from '../../core/chat.ts';
import { plainRequest } from '../../core/plain-request.ts';

let serial = 0;

/** A chat request with one user message. */
export function newRequest(text: string, fields: Partial<GenerationRequest> = {}): GenerationRequest {
  serial += 1;
  return plainRequest(`request-${serial}`, text, { model: 'cloud-1', ...fields });
}
