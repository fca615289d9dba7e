// Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
// Everything works without this file: it searches while somebody types, and prints.

const WAIT_MS = 350;

function searchInPlace(form) {
    const list = document.getElementById(form.dataset.search);
    const status = document.getElementById(`${form.dataset.search}-status`);
    const field = form.elements.query;
    let shown = field.value;
    let timer;
    let busy = false;

    // One request at a time: the answers come in the order of what was typed.
    async function search() {
        const query = field.value;
        if (busy || query === shown) {
            return;
        }
        busy = true;
        try {
            const body = new URLSearchParams(new FormData(form));
            const response = await fetch("/my/financial-address/change/search", { method: "POST", body });
            if (response.ok && !response.redirected) {
                list.innerHTML = await response.text();
                status.textContent = list.querySelector("[data-status]")?.textContent.trim() ?? "";
            }
        } catch {
            // No network: the button says so in the browser's own words.
        } finally {
            shown = query;
            busy = false;
        }
        search();
    }

    field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(search, WAIT_MS);
    });
}

function onlyOnce(form) {
    // The server carries out one of two clicks anyway: this only spares people the second one.
    form.addEventListener("submit", (event) => {
        if (form.dataset.sent) {
            event.preventDefault();
        }
        form.dataset.sent = "1";
    });
    // Back from the next page, the form can be sent again.
    addEventListener("pageshow", () => delete form.dataset.sent);
}

for (const form of document.querySelectorAll("form")) {
    onlyOnce(form);
}
for (const form of document.querySelectorAll("form[data-search]")) {
    searchInPlace(form);
}
for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
}
