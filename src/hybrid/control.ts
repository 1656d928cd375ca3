/** What the hybrid side shows of itself beside answers. */
import { stringify } from 'yaml';
import type { GenerationRequest } from '../core/chat.ts';
import type { HybridService } from './hybrid-service.ts';
import { parsePolicyText } from './policy-file.ts';
import type { Statistics, StatisticsReport } from './statistics.ts';

export type HybridControlParts = {
  service: HybridService;
  statistics: Pick<Statistics, 'preview'>;
  /** Empty: nothing is sent. */
  statsUrl: string;
};

export function createHybridControl({ service, statistics, statsUrl }: HybridControlParts) {
  return {
    explain: (request: GenerationRequest) => service.explain(request),
    situation: () => service.situation(),
    receipt: (id: string) => service.receipts.get(id),
    receipts: (limit: number) => service.receipts.list().slice(-limit).toReversed(),
    policyText(): string {
      // The id is computed from the rest and is no key of the file.
      const { id, ...policy } = service.situation().policy;
      return `# ${id}\n${stringify(policy)}`;
    },
    checkPolicy: (text: string) => parsePolicyText(text, 'policy'),
    statisticsPreview: (): { report: StatisticsReport; url?: string } => ({
      report: statistics.preview(),
      ...(statsUrl === '' ? {} : { url: statsUrl }),
    }),
  };
}
