import { useEffect, useRef, useState } from 'react';
import type { Picture } from '../conversation/conversation.ts';
import { Modal } from '../page/modal.tsx';
import { useTexts } from '../text/use-texts.ts';
import { mediaTrouble } from './media-trouble.ts';
import { drawSmall } from './shrink-picture.ts';

type CameraProps = { onPhoto: (picture: Picture) => void; onTrouble: (message: string) => void; onClose: () => void };

export function CameraDialog({ onPhoto, onTrouble, onClose }: CameraProps) {
  const texts = useTexts();
  const video = useRef<HTMLVideoElement>(null);
  const [isReady, setReady] = useState(false);
  const trouble = useRef(onTrouble);
  trouble.current = onTrouble;
  useEffect(() => {
    let stream: MediaStream | undefined;
    let isOpen = true;
    const end = (): void => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void (async () => {
      try {
        const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
        if (mediaDevices === undefined) throw new DOMException('insecure', 'SecurityError');
        stream = await mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
        if (!isOpen) end();
        else if (video.current !== null) video.current.srcObject = stream;
      } catch (error) {
        if (isOpen) trouble.current(mediaTrouble(error, 'camera', texts));
      }
    })();
    return () => {
      isOpen = false;
      end();
    };
  }, [texts]);
  const take = (): void => {
    const element = video.current;
    if (element === null || element.videoWidth === 0) return;
    onPhoto(drawSmall(element, element.videoWidth, element.videoHeight, texts.camera));
  };
  return (
    <Modal title={texts.camera} onClose={onClose}>
      <div className="camera">
        <video ref={video} autoPlay playsInline muted onLoadedData={() => setReady(true)} />
        <button type="button" className="primary" disabled={!isReady} onClick={take}>
          {texts.takePhoto}
        </button>
      </div>
    </Modal>
  );
}
