// A reason not to start that is told to the person at the terminal in plain words, without a stack trace.

export class StartFault extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StartFault';
  }
}
