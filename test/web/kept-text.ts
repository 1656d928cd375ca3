import type { Page } from 'playwright';

/** What the history (IndexedDB) holds of the newest answer: what a page that ends now leaves behind. */
export function keptText(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opened = indexedDB.open('duanyun');
        opened.addEventListener('error', () => reject(opened.error ?? new Error('the history cannot be opened')));
        opened.addEventListener('success', () => {
          const read = opened.result.transaction('conversations').objectStore('conversations').getAll();
          read.addEventListener('error', () => reject(read.error ?? new Error('the history cannot be read')));
          read.addEventListener('success', () => {
            opened.result.close();
            const all = read.result as {
              updatedAt: number;
              leafId: string;
              turns: Record<string, { text: string }>;
            }[];
            const newest = all.toSorted((a, b) => b.updatedAt - a.updatedAt)[0];
            resolve(newest?.turns[newest.leafId]?.text ?? '');
          });
        });
      }),
  );
}
