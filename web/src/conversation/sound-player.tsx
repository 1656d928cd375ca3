import { useEffect, useState } from 'react';

/** Plays a recording. As an object of the page: the Content-Security-Policy plays no `data:` addresses. */
export function SoundPlayer({ wav, label }: { /** Base64. */ wav: string; label: string }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const bytes = Uint8Array.from(atob(wav), (letter) => letter.charCodeAt(0));
    const created = URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
    setUrl(created);
    return () => URL.revokeObjectURL(created);
  }, [wav]);
  return <audio controls src={url} aria-label={label} />;
}
