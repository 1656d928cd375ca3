/** Parts of the device engine that load and unload on their own. `engine` implements these; `server` and `cli` show them. */

/** `language` writes, `vision` encodes pictures for it, `speech` hears, `ocr` reads printed text in pictures. */
export type ModuleName = 'language' | 'vision' | 'speech' | 'ocr';

/** `cold`: never loaded. `idle`: loaded, unused for a while, next to go. `failed`: the last load did not work. */
export type ModuleState = 'cold' | 'loading' | 'ready' | 'idle' | 'unloaded' | 'failed';

export type ModuleStatus = {
  name: ModuleName;
  state: ModuleState;
  /** What it would load or has loaded. Absent where nothing fitting is installed. */
  model?: string;
  /** Memory it takes once loaded, estimated before the load. */
  requiredBytes?: number;
  /** Memory it holds now; 0 unless loaded. */
  residentBytes: number;
  /** Uses that are running now. A module in use is never unloaded. */
  activeUses: number;
  /** Loads since the start of the process. */
  loads: number;
  /** Duration of the last load. */
  loadMs?: number;
  /** Unix milliseconds. */
  lastUsedAt?: number;
  /** 0–1 while loading, where known. */
  progress?: number;
  /** Why it is `failed` or cannot be loaded, and what would mend it. */
  reason?: string;
};

/** What a module tells the manager of itself, without being asked. */
export type ModuleEvents = {
  /** It is gone with its memory: its process died. The next use loads it again, later after each further time. */
  lost(reason: string): void;
  /** It came back by itself and can be used. */
  restored(): void;
};

/** One module as its owner describes it; the manager decides when to call what. Calls never overlap. */
export interface ManagedModule {
  readonly name: ModuleName;
  /** Loaded before it and unloaded after it; a use of this module is one of that too. */
  readonly needs?: ModuleName;
  /** Idle time alone does not unload it. Default false. */
  readonly staysLoaded?: boolean;
  /** What it would load, or `undefined` where nothing is installed. */
  model(): string | undefined;
  /** Estimated before anything is loaded. Throws what is missing, and says what to pull. */
  requiredBytes(): Promise<number>;
  /** Resolves when it can be used. */
  load(signal: AbortSignal): Promise<void>;
  /** Resolves when its memory is the system's again. Also called to clear up what a failed load left. */
  unload(): Promise<void>;
  /** Measured where it can be, else the estimate. */
  residentBytes(): number;
  /** 0–1 while it loads, where known. */
  progress?(): number | undefined;
  /** Called once, before anything else. */
  watch?(events: ModuleEvents): void;
}

/** What the entry and the command need. */
export interface ModuleAdministration {
  list(): ModuleStatus[];
  /** Throws `module_not_found`, `module_does_not_fit` and what the load itself throws. */
  load(name: string, signal: AbortSignal): Promise<ModuleStatus>;
  /** Waits for the uses that are running. */
  unload(name: string, signal: AbortSignal): Promise<ModuleStatus>;
}

/** What users of a module call: loads at first use, counts uses, keeps it from being unloaded meanwhile. */
export interface ModuleUse {
  /** As `use`, for work that is not one promise; call the result when it is over. */
  hold(name: ModuleName, signal: AbortSignal): Promise<() => void>;
  use<Result>(name: ModuleName, signal: AbortSignal, work: () => Promise<Result>): Promise<Result>;
}
