/** Requirements and figures → device, cloud or hybrid, with the reasons and the numbers behind each. Pure. */
import type { Text } from '../report/texts.ts';
import { rules, type Field, type Figure, type Rule } from './rules.ts';

export type Requirements = Partial<Record<Field, string | number | boolean>>;
/** `from`: where the number comes from; a reader must be able to doubt it. */
export type Figures = Partial<Record<Figure, { value: number; from: string }>>;

export type Reason = { rule: string; says: Rule['says']; text: Text; numbers?: string };
export type Advice = {
  choice: 'device' | 'cloud' | 'hybrid' | 'none';
  reasons: Reason[];
  /** Rules that a figure was missing for: they decided nothing. */
  unknown: { rule: string; figure: Figure }[];
};

export function advise(requirements: Requirements, figures: Figures): Advice {
  const reasons: Reason[] = [];
  const unknown: Advice['unknown'] = [];
  for (const rule of rules) {
    const value = requirements[rule.when.field];
    if (value === undefined) continue;
    const { than, is } = rule.when;
    if (typeof than !== 'object') {
      if (holds(value, is, than)) reasons.push(reasonOf(rule, beside(rule, figures)));
      continue;
    }
    const figure = figures[than.figure];
    if (figure === undefined) unknown.push({ rule: rule.id, figure: than.figure });
    else if (holds(value, is, figure.value)) {
      const deciding = `${rule.when.field} ${String(value)} ${is === 'above' ? '>' : '<'} ${shown(than.figure, figure)}`;
      reasons.push(reasonOf(rule, [deciding, ...beside(rule, figures)]));
    }
  }
  return { choice: choose(new Set(reasons.map(({ says }) => says))), reasons, unknown };
}

function reasonOf({ id, says, reason }: Rule, numbers: string[]): Reason {
  return { rule: id, says, text: reason, ...(numbers.length === 0 ? {} : { numbers: numbers.join('; ') }) };
}

function beside({ shows = [] }: Rule, figures: Figures): string[] {
  return shows.flatMap((name) => {
    const figure = figures[name];
    return figure === undefined ? [] : [shown(name, figure)];
  });
}

function shown(name: Figure, { value, from }: { value: number; from: string }): string {
  return `${name} ${value.toFixed(1)} (${from})`;
}

function holds(value: string | number | boolean, is: Rule['when']['is'], than: string | number | boolean): boolean {
  if (is === 'equal') return value === than;
  return is === 'above' ? Number(value) > Number(than) : Number(value) < Number(than);
}

/** Privacy and feasibility first, wishes after; with no word for either side, the document's default: hybrid. */
function choose(said: ReadonlySet<Rule['says']>): Advice['choice'] {
  const needsDevice = said.has('needs-device');
  const wantsCloud = said.has('needs-cloud') || said.has('favours-cloud');
  if (said.has('rules-out-cloud')) return said.has('rules-out-device') || said.has('needs-cloud') ? 'none' : 'device';
  if (said.has('rules-out-device')) return needsDevice ? 'none' : 'cloud';
  const wantsDevice = needsDevice || said.has('favours-device');
  if (wantsDevice && wantsCloud) return 'hybrid';
  if (wantsDevice) return 'device';
  return wantsCloud ? 'cloud' : 'hybrid';
}

export type Costs = {
  /** Once, for each device: the dearer hardware that the model needs. */
  deviceOnce: number;
  /** Energy and upkeep, a request. */
  devicePerRequest: number;
  cloudPerMillionTokens: number;
  /** Prompt and answer. */
  tokensPerRequest: number;
  requestsPerDay: number;
};
export type BreakEven = { cloudPerRequest: number; cloudMonthly: number; requests?: number; days?: number };

/** After how many requests the device has paid for itself; absent where it never does. Any one currency. */
export function breakEven(costs: Costs): BreakEven {
  const cloudPerRequest = (costs.cloudPerMillionTokens * costs.tokensPerRequest) / 1e6;
  const cloudMonthly = cloudPerRequest * costs.requestsPerDay * 30;
  const saved = cloudPerRequest - costs.devicePerRequest;
  if (saved <= 0) return { cloudPerRequest, cloudMonthly };
  const requests = Math.ceil(costs.deviceOnce / saved);
  return {
    cloudPerRequest,
    cloudMonthly,
    requests,
    ...(costs.requestsPerDay > 0 ? { days: requests / costs.requestsPerDay } : {}),
  };
}

/**
 * What a million tokens cost on a server of one's own, rented by the hour and busy all the time.
 *
 * @param tokensPerSecond measured, of all requests together
 */
export function pricePerMillion(hourPrice: number, tokensPerSecond: number): number {
  return (hourPrice / (tokensPerSecond * 3600)) * 1e6;
}
