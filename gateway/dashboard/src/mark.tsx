// The sign of the page, as in public/favicon.svg: a grain of barley, and what it says when it is measured.

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="7" />
      <path class="mark-grain" d="M16 3.5c6.2 5 6.2 20 0 25c-6.2-5-6.2-20 0-25z" />
      <path class="mark-line under" d="M4 17h7l2.5-6 4.5 11 2.5-5h7.5" />
      <path class="mark-line" d="M4 17h7l2.5-6 4.5 11 2.5-5h7.5" />
    </svg>
  );
}
