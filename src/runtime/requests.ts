/** What others ask of a loop that runs: it answers between two turns. */

interface Request {
  readonly answer: () => Promise<void>;
  readonly reject: (error: unknown) => void;
}

export class Requests {
  #waiting: Request[] = [];

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Does what is asked when the loop comes to it. */
  add<R>(work: () => Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ answer: () => work().then(resolve, reject), reject });
    });
  }

  async answer(): Promise<void> {
    for (const { answer } of this.#waiting.splice(0)) await answer();
  }

  /** The loop won't come to them any more. */
  reject(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
