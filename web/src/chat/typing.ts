/** Shows who is typing, and stops by itself: the end of typing is never announced. */
export class TypingIndicator {
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly show: (who: 'bot' | 'agent' | null) => void) {}

  start(who: 'bot' | 'agent', lasting: number): void {
    clearTimeout(this.timer)
    this.show(who)
    this.timer = setTimeout(() => this.show(null), lasting)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.show(null)
  }
}
