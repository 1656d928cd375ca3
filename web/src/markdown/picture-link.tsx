import { useTexts } from '../text/use-texts.ts';
import { safeLink } from './safe-link.ts';

/** Bytes in the answer itself; no SVG, which is a document. */
const ownBytes = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;

/**
 * A picture that an answer names. Its address may carry the conversation away, so nothing is loaded by itself: a click
 * opens it in a tab of its own, which learns neither this page's address nor its content.
 */
export function PictureLink({ url, description }: { url: string; description: string }) {
  const texts = useTexts();
  if (ownBytes.test(url)) return <img className="own-picture" src={url} alt={description} />;
  const target = safeLink(url);
  if (target === undefined || target.startsWith('mailto:')) return <span className="dead-link">{description}</span>;
  return (
    <a className="picture-link" href={target} target="_blank" rel="noopener noreferrer nofollow" title={target}>
      {texts.openPicture(description, new URL(target).host)}
    </a>
  );
}
