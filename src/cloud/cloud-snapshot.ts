import type { ModelCapabilities } from '../core/backend.ts';
import type { BreakerState } from './circuit-breaker.ts';

/** What routing needs to know, for each model. */
export type CloudSnapshot = {
  reachable: boolean;
  models: (ModelCapabilities & { breaker: BreakerState; firstTokenMs: number; tokensPerSecond: number })[];
};
