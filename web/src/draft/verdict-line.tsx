import { Icon } from '../page/icon.tsx';
import { reasonText, useTexts } from '../text/use-texts.ts';
import type { DraftVerdict } from './inspect.ts';

type VerdictLineProps = {
  verdict: DraftVerdict | undefined;
  isGateway: boolean;
  /** A model inside the page decides with: "the device" is this browser then. */
  isInPage: boolean;
};

/** What was found in the draft and where it would run, before anything is sent. */
export function VerdictLine({ verdict, isGateway, isInPage }: VerdictLineProps) {
  const texts = useTexts();
  const { wouldRun, staysHere } = isInPage ? texts.inPage : texts;
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
              {isHere && verdict.isPrivate ? staysHere : wouldRun[route.target]}
              {reasons.length > 0 &&
                ` · ${reasons
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
