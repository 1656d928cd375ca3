/** One finding of `doctor`. `fail`: something will not work; `warn`: it will, with less. */
export type Finding = { name: string; status: 'ok' | 'warn' | 'fail'; detail: string };

export type Check = () => Promise<Finding | Finding[]>;

/** Runs all at once; a check that breaks is a finding too. */
export async function runChecks(checks: Readonly<Record<string, Check>>): Promise<Finding[]> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return await check();
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        return { name, status: 'fail', detail } satisfies Finding;
      }
    }),
  );
  return results.flat();
}
