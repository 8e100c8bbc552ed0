// What a bench is; main.ts lists them.

export interface Bench {
  readonly name: string;
  /** One line for the list. */
  readonly about: string;
  run(): Promise<void>;
}
