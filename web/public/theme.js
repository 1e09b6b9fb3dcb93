// Before the first paint, and a file of its own so that a strict Content-Security-Policy admits it.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {}
