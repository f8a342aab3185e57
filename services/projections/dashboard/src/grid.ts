/* How many rooms share a screen: columns and rows. */
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
