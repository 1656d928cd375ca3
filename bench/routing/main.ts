/**
 * `npm run bench:routing`: how good the router is, on recorded answers, and how long a decision takes; `compare` or
 * `decision` alone do one of the two.
 * `npm run bench:routing -- record --device URL MODEL --cloud URL MODEL [--at-once N] [--limit N]` records the answers.
 * `npm run bench:routing -- speeds --device URL MODEL --cloud URL MODEL` measures the pace of both, one request at a time.
 * `npm run bench:routing -- train` fits the complexity estimate to the recorded answers.
 */
import { compare } from './compare.ts';
import { measureDecision } from './decision.ts';
import type { Side } from './questions.ts';
import { record } from './record.ts';
import { measureSpeeds } from './speeds.ts';
import { train } from './train.ts';

const words = process.argv.slice(2).filter((word) => word !== 'routing');
const after = (flag: string, place: number): string | undefined => {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + place];
};
const serverOf = (side: Side): { url: string; model: string } | undefined => {
  const url = after(`--${side}`, 1);
  return url === undefined ? undefined : { url, model: after(`--${side}`, 2) ?? 'auto' };
};

switch (words[0]) {
  case 'record': {
    const limit = Number(after('--limit', 1) ?? Number.POSITIVE_INFINITY);
    const atOnce = Number(after('--at-once', 1) ?? 8);
    for (const side of ['device', 'cloud'] as const) {
      const server = serverOf(side);
      if (server !== undefined) await record({ side, ...server, limit, atOnce });
    }
    break;
  }
  case 'speeds': {
    const [device, cloud] = [serverOf('device'), serverOf('cloud')];
    if (device === undefined || cloud === undefined)
      throw new Error('speeds needs --device URL MODEL and --cloud URL MODEL');
    await measureSpeeds({ device, cloud });
    break;
  }
  case 'train':
    train();
    break;
  case 'decision':
    await measureDecision();
    break;
  case 'compare':
    compare();
    break;
  default:
    compare();
    console.log('\nWhat routing adds to a request:');
    await measureDecision();
}
