/** Line drawings of 24 × 24, all of the page's own. */
const drawings = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  new: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01',
  camera: 'M4 8h4l2-3h4l2 3h4v11H4zM12 16a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  microphone: 'M12 4a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V7a3 3 0 0 0-3-3zM6 11v1a6 6 0 0 0 12 0v-1M12 18v3',
  copy: 'M9 9h10v11H9zM15 9V5H5v11h4',
  again: 'M19 8a8 8 0 1 0 1 6M20 4v5h-5',
  edit: 'M5 19h4L19 9l-4-4L5 15z',
  delete: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
  export: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  left: 'M14 6l-6 6 6 6',
  right: 'M10 6l6 6-6 6',
  lock: 'M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3',
  device: 'M8 3h8v18H8zM11 18h2',
  chip: 'M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4',
  cloud: 'M7 18a4 4 0 0 1 0-8 5 5 0 0 1 10-1 4 4 0 0 1 0 9z',
} as const;

export type IconName = keyof typeof drawings;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={drawings[name]} />
    </svg>
  );
}
