import { Icon } from '../page/icon.tsx';
import { reasonText, useTexts } from '../text/use-texts.ts';
import type { DraftVerdict } from './inspect.ts';

/** What was found in the draft and where it would run, before anything is sent. */
export function VerdictLine({ verdict, isGateway }: { verdict: DraftVerdict | undefined; isGateway: boolean }) {
  const texts = useTexts();
  const found = [...new Set([...(verdict?.marks.map(({ type }) => type) ?? []), ...(verdict?.topics ?? [])])];
  const names = found.map((name) => texts.found[name] ?? name).join(texts.name === 'Duanyun' ? ', ' : '、');
  const route = verdict?.route;
  const isHere = route?.target === 'device';
  const reasons = (route?.reasons ?? []).filter((reason) => !/^(identifier|topic):/.test(reason));
  return (
    <p id="verdict" className="verdict" role="status">
      {isGateway && texts.isGateway}
      {verdict !== undefined && (
        <>
          {found.length > 0 && (
            <span className="found">
              <Icon name="lock" /> {texts.foundPrivate(names)}
            </span>
          )}
          {route !== undefined && (
            <span>
              <Icon name={isHere ? 'device' : 'cloud'} />{' '}
              {isHere && verdict.isPrivate ? texts.staysHere : texts.wouldRun[route.target]}
              {reasons.length > 0 &&
                `: ${reasons
                  .slice(0, 2)
                  .map((reason) => reasonText(reason, texts))
                  .join(' · ')}`}
              {verdict.isProvisional && ` (${texts.afterReading})`}
            </span>
          )}
        </>
      )}
    </p>
  );
}
