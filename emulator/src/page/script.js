// Shows the changes of a page while it is open. Everything works without this script.
"use strict";

(() => {
  const live = document.getElementById("live");
  if (!live || !("EventSource" in window)) return;

  // The state that a person has set, and that the server does not know.
  const keep = (old, fresh) => {
    for (const details of fresh.querySelectorAll("details[id]")) {
      const before = document.getElementById(details.id);
      if (before && old.contains(before)) details.open = before.open;
    }
  };

  const focused = () => (live.contains(document.activeElement) ? document.activeElement.id : "");

  // Replaces what differs. Elements with `data-keyed` have children with ids, which are compared one by one, so that a
  // player continues and a selection stays.
  const update = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.getAttribute("role") === "status" && fresh.getAttribute("role") === "status") {
      // Assistive technology announces a text that changes, not an element that is new.
      if (old.textContent !== fresh.textContent) old.textContent = fresh.textContent;
      return;
    }
    if (!("keyed" in old.dataset) || !("keyed" in fresh.dataset)) {
      old.replaceWith(fresh);
      return;
    }
    const known = new Map([...old.children].map((child) => [child.id, child]));
    const wanted = new Set([...fresh.children].map((child) => child.id));
    for (const [id, child] of known) if (!wanted.has(id)) child.remove();
    let at = old.firstElementChild;
    for (const child of [...fresh.children]) {
      const before = known.get(child.id);
      if (!before) {
        old.insertBefore(child, at);
      } else if (before === at) {
        at = at.nextElementSibling;
        update(before, child);
      } else {
        old.insertBefore(before, at);
        update(before, child);
      }
    }
  };

  const show = (html) => {
    const parsed = new DOMParser().parseFromString(`<div data-keyed="">${html}</div>`, "text/html");
    const fresh = document.importNode(parsed.body.firstElementChild, true);
    keep(live, fresh);
    const id = focused();
    const shell = live.cloneNode(false);
    shell.append(...fresh.childNodes);
    update(live, shell);
    const again = id && document.getElementById(id);
    if (again && document.activeElement !== again) again.focus({ preventScroll: true });
  };

  // Browsers open few connections to a host, so a hidden page gives its own back.
  let source;
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else if (!source) {
      source = new EventSource(live.dataset.events);
      source.onmessage = (event) => show(event.data);
      // The browser reconnects by itself, unless the emulator refused the stream or has restarted.
      source.onerror = () => {
        if (source?.readyState !== EventSource.CLOSED) return;
        source = undefined;
        setTimeout(follow, 3000);
      };
    }
  };
  document.addEventListener("visibilitychange", follow);
  follow();
})();
