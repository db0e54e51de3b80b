// Mouse, wheel and fingers on a plot -> what is meant by them. Places are shares of the plot's width, from its left.

export interface Meanings {
  /** How the element's x (px from its left) lies in the plot. */
  share: (x: number) => number;
  point: (share: number | null) => void;
  /** While a stretch is being selected; null: not any more. */
  mark: (stretch: [number, number] | null) => void;
  select: (from: number, to: number) => void;
  pan: (share: number) => void;
  zoom: (factor: number, at: number) => void;
  put: (share: number) => void;
}

const DRAGGED_PX = 5;
const PRESS_MS = 600;
const LINE_PX = 16; // of a wheel that counts lines

/** Listen; returns what ends it. */
export function listen(element: HTMLElement, meanings: Meanings): () => void {
  const gestures = new Gestures(element, meanings);
  const listeners = Object.entries(gestures.listeners) as [string, (event: Event) => void][];
  for (const [kind, listener] of listeners) element.addEventListener(kind, listener, { passive: false });
  return () => {
    gestures.cancel();
    for (const [kind, listener] of listeners) element.removeEventListener(kind, listener);
  };
}

class Gestures {
  readonly listeners = {
    pointerdown: (event: PointerEvent) => this.down(event),
    pointermove: (event: PointerEvent) => this.move(event),
    pointerup: (event: PointerEvent) => this.up(event),
    pointercancel: (event: PointerEvent) => this.up(event),
    pointerleave: () => this.leave(),
    dblclick: (event: MouseEvent) => this.meanings.put(this.shareOf(event.clientX)),
    wheel: (event: WheelEvent) => this.turn(event),
  };
  private readonly element: HTMLElement;
  private readonly meanings: Meanings;
  private readonly fingers = new Map<number, number>(); // where each is, px
  private began: { x: number; isDragged: boolean; pans: boolean } | null = null;
  private press: ReturnType<typeof setTimeout> | undefined;

  constructor(element: HTMLElement, meanings: Meanings) {
    this.element = element;
    this.meanings = meanings;
  }

  cancel(): void {
    clearTimeout(this.press);
    this.began = null;
    this.fingers.clear();
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const isFinger = event.pointerType === "touch";
    this.element.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event.clientX);
    this.began = { x: event.clientX, isDragged: false, pans: isFinger || event.shiftKey };
    clearTimeout(this.press);
    if (isFinger && this.fingers.size === 1)
      this.press = setTimeout(() => this.meanings.put(this.shareOf(event.clientX)), PRESS_MS);
    if (isFinger) this.meanings.point(this.inside(event.clientX));
  }

  private move(event: PointerEvent): void {
    const before = this.fingers.get(event.pointerId);
    if (before === undefined || this.began === null) {
      if (event.pointerType !== "touch") this.meanings.point(this.inside(event.clientX));
      return;
    }
    if (Math.abs(event.clientX - this.began.x) > DRAGGED_PX) {
      this.began.isDragged = true;
      clearTimeout(this.press);
    }
    if (!this.began.isDragged && this.fingers.size === 1) return;
    if (this.fingers.size === 2) this.pinch(event.pointerId, event.clientX);
    else if (this.began.pans) this.meanings.pan(this.shareOf(before) - this.shareOf(event.clientX));
    else this.meanings.mark([this.shareOf(this.began.x), this.shareOf(event.clientX)]);
    this.fingers.set(event.pointerId, event.clientX);
  }

  private pinch(moved: number, x: number): void {
    const other = [...this.fingers].find(([id]) => id !== moved)?.[1];
    const before = this.fingers.get(moved);
    if (other === undefined || before === undefined) return;
    const [was, is] = [Math.abs(before - other), Math.abs(x - other)];
    if (was > 8 && is > 8) this.meanings.zoom(was / is, this.shareOf(other));
  }

  private up(event: PointerEvent): void {
    clearTimeout(this.press);
    const { began } = this;
    this.fingers.delete(event.pointerId);
    if (this.fingers.size > 0) return;
    this.began = null;
    this.meanings.mark(null);
    if (began === null || began.pans || !began.isDragged || event.type === "pointercancel") return;
    this.meanings.select(this.shareOf(began.x), this.shareOf(event.clientX));
  }

  private leave(): void {
    if (this.fingers.size === 0) this.meanings.point(null);
  }

  /** Up and down zooms, sideways moves; the page scrolls with it no longer. */
  private turn(event: WheelEvent): void {
    const px = event.deltaMode === 1 ? LINE_PX : 1;
    const [sideways, upwards] = [event.deltaX * px, event.deltaY * px];
    event.preventDefault();
    if (event.shiftKey || Math.abs(sideways) > Math.abs(upwards)) {
      this.meanings.pan((sideways || upwards) / this.element.clientWidth);
    } else this.meanings.zoom(1.0015 ** Math.min(Math.max(upwards, -240), 240), this.shareOf(event.clientX));
  }

  private shareOf(clientX: number): number {
    return this.meanings.share(clientX - this.element.getBoundingClientRect().left);
  }

  private inside(clientX: number): number | null {
    const share = this.shareOf(clientX);
    return share >= 0 && share <= 1 ? share : null;
  }
}
