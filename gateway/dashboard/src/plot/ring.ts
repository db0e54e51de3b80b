// Rows of numbers in the order of their first column, the newest `capacity` of them. Grows as it fills, up to that.

const FIRST_ROOM = 256;

export class Ring {
  readonly capacity: number;
  length = 0;
  /** How many rows gave way to newer ones. */
  evicted = 0;
  private columns: Float64Array[];
  private begin = 0;

  constructor(capacity: number, columns: number) {
    this.capacity = capacity;
    const room = Math.min(FIRST_ROOM, capacity);
    this.columns = Array.from({ length: columns }, () => new Float64Array(room));
  }

  /** Where the row is in its columns. */
  place(row: number): number {
    const at = this.begin + row;
    const room = this.room;
    return at >= room ? at - room : at;
  }

  get(column: number, row: number): number {
    return this.column(column)[this.place(row)] ?? Number.NaN;
  }

  column(column: number): Float64Array {
    return this.columns[column] as Float64Array;
  }

  /** The first row whose first column is not less than `bound`. */
  find(bound: number): number {
    const times = this.column(0);
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[this.place(middle)] as number) < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get first(): number {
    return this.length === 0 ? Number.NaN : this.get(0, 0);
  }

  get last(): number {
    return this.length === 0 ? Number.NaN : this.get(0, this.length - 1);
  }

  /** A new row in its order, after those with the same `key`; returns its place. Its other columns hold what was
   * there; columns that were taken before may be old ones. */
  insert(key: number): number {
    this.makeRoom();
    let row = this.length;
    this.length += 1;
    while (row > 0 && this.get(0, row - 1) > key) {
      this.copy(row - 1, row);
      row -= 1;
    }
    const place = this.place(row);
    this.column(0)[place] = key;
    return place;
  }

  clear(): void {
    this.begin = this.length = this.evicted = 0;
  }

  private get room(): number {
    return this.columns[0]?.length ?? 0;
  }

  private makeRoom(): void {
    if (this.length < this.room) return;
    if (this.room < this.capacity) {
      this.grow(Math.min(this.room * 2, this.capacity));
      return;
    }
    this.begin = this.place(1);
    this.length -= 1;
    this.evicted += 1;
  }

  private grow(room: number): void {
    const { begin } = this;
    this.columns = this.columns.map((old) => {
      const grown = new Float64Array(room);
      grown.set(old.subarray(begin));
      grown.set(old.subarray(0, begin), old.length - begin);
      return grown;
    });
    this.begin = 0;
  }

  private copy(from: number, to: number): void {
    const [source, target] = [this.place(from), this.place(to)];
    for (const column of this.columns) column[target] = column[source] as number;
  }
}
