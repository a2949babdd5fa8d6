// Tells the server which theme the system has: it colours the charts.
document.cookie =
  "rater_scheme=" +
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") +
  "; path=/; max-age=31536000; samesite=lax";

// Details that somebody opened stay open when the part that they stand in is drawn anew.
const raterOpen = new Set();
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.tagName === "DETAILS" && target.id) raterOpen[target.open ? "add" : "delete"](target.id);
  },
  true,
);
new MutationObserver(() => {
  for (const id of raterOpen) document.getElementById(id)?.setAttribute("open", "");
}).observe(document, { childList: true, subtree: true });

// A page whose session has ended cannot connect again: it asks for the login.
const raterWaiting = setInterval(() => {
  if (!window.socket) return;
  clearInterval(raterWaiting);
  window.socket.on("connect_error", async () => {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect") location.reload();
  });
}, 200);

// What is shown now. Back and Forward, which change the address alone, load what it leads to.
let raterShown = location.pathname + location.search;
addEventListener("popstate", () => {
  if (location.pathname + location.search !== raterShown) location.reload();
});

// The query of a link or form that leads to this page itself, whose address is then the page's; null for any other.
function raterFollow(event) {
  const to = event.type === "submit" ? raterFormTarget(event.target) : raterLinkTarget(event);
  if (!to || to.origin !== location.origin || to.pathname !== location.pathname || !window.socket?.connected) return null;
  event.preventDefault();
  to.hash = "";
  if (to.pathname + to.search !== raterShown) history.pushState(history.state, "", to);
  raterShown = to.pathname + to.search;
  return to.search.slice(1);
}

function raterFormTarget(form) {
  const to = new URL(form.action);
  to.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return to;
}

function raterLinkTarget(event) {
  const link = event.target.closest("a[href]");
  const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  return !link || elsewhere || link.target || link.hasAttribute("download") ? null : new URL(link.href);
}
