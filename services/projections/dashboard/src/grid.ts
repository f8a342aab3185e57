/* How many rooms share a screen, in columns and rows, and how many a bar. */
const GRIDS = [
  [1, 1, 1],
  [2, 2, 1],
  [3, 3, 1],
  [4, 2, 2],
  [6, 3, 2],
  [8, 4, 2],
  [12, 4, 3],
  [15, 5, 3],
  [20, 5, 4],
  [24, 6, 4],
] as const;

export function grid(rooms: number): readonly [columns: number, rows: number] {
  const [, columns, rows] = GRIDS.find(([most]) => rooms <= most) ?? [0, 6, Math.ceil(rooms / 6)];
  return [columns, rows];
}

/** How many chips of these widths stand whole in a bar; where that is not all, `more` stands after them. */
export function fitting(widths: readonly number[], space: number, gap: number, more: number): number {
  let end = -gap;
  const ends = widths.map((width) => (end += gap + width));
  if (end <= space) return widths.length;
  return ends.filter((at) => at + gap + more <= space).length;
}
