// Starts the page. The names of the two files are read from the document's links, so that this file never changes with them.
const link = (selector) => document.querySelector(selector).href;

try {
  const { default: init } = await import(link("link[rel=modulepreload]"));
  await init({ module_or_path: link("link[rel=preload][as=fetch]") });
} catch (error) {
  const boot = document.getElementById("boot");
  if (boot) {
    boot.textContent = `The page could not start: ${error}. Reload it; if that does not help, use another browser or the command line.`;
  }
}
