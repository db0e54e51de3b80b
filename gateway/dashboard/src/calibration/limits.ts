/** Whether an error is permitted; on the limit it is, as on the certificate. */
export function isWithin(error: number, lower: number | null, upper: number | null): boolean {
  return (lower === null || error >= lower) && (upper === null || error <= upper);
}
