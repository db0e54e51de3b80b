// A small button beside a plot: one step of looking elsewhere, or closer.

export function Step({
  sign,
  name,
  press,
  isOff = false,
}: {
  sign: string;
  name: string;
  press: () => void;
  isOff?: boolean;
}) {
  return (
    <button type="button" class="step" aria-label={name} title={name} disabled={isOff} onClick={press}>
      <span aria-hidden="true">{sign}</span>
    </button>
  );
}
