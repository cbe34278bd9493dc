// Applies the theme that was chosen earlier. Without a choice the system's preference holds, see app.css.
try {
  const theme = localStorage.getItem('portcullis-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: the system's preference holds.
}
