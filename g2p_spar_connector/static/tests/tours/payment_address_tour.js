/* Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details. */
import { registry } from "@web/core/registry";

import { patient } from "@g2p_spar_fa_directory/../tests/tours/patience";

const TAB = ".o_spar_payment_address";
const input = (name) => `.modal .o_field_widget[name='${name}'] input`;
const openTab = { trigger: ".o_widget_spar_payment_address_stat button", run: "click" };

/** An officer links a contact, and sees the address in the tab and on the smart button. */
registry.category("web_tour.tours").add("g2p_spar_connector_contact_officer", {
    steps: () => patient([
        { trigger: ".o_widget_spar_payment_address_stat:contains('Not linked')" },
        openTab,
        { trigger: `${TAB} button:contains('Link')`, run: "click" },
        { trigger: input("provider_id"), run: "edit Provider PAYB" },
        { trigger: ".o-autocomplete--dropdown-item:contains('Provider PAYB')", run: "click" },
        { trigger: input("number"), run: "edit 888000222" },
        // the row of branches comes when the server has answered: what is typed stays
        { trigger: ".modal .o_field_widget[name='branch_id']" },
        { trigger: `${input("number")}:value(888000222)` },
        { trigger: input("reason"), run: "edit came to the counter" },
        { trigger: ".modal-footer button:contains('Apply')", run: "click" },
        { trigger: `body:not(:has(.modal)) ${TAB}:contains('••••222'):contains('Linked')` },
        { trigger: ".o_widget_spar_payment_address_stat:contains('••••222')" },
    ]),
});

/** A viewer sees it, and no buttons. */
registry.category("web_tour.tours").add("g2p_spar_connector_contact_viewer", {
    steps: () => patient([
        openTab,
        { trigger: `${TAB}:contains('••••222'):not(:has(button:contains('Change')))` },
    ]),
});

/** The mapper is away: the form says so, and the change is kept. */
registry.category("web_tour.tours").add("g2p_spar_connector_contact_away", {
    steps: () => patient([
        { trigger: ".o_widget_spar_payment_address_stat:contains('No answer')" },
        openTab,
        { trigger: `${TAB}:contains('The mapper is away') button:contains('Remove')`, run: "click" },
        { trigger: input("reason"), run: "edit has moved abroad" },
        { trigger: ".modal-footer button:contains('Remove')", run: "click" },
        { trigger: ".modal-footer button:contains('Keep It and Try Again')", run: "click" },
        { trigger: `body:not(:has(.modal)) ${TAB}:contains('waits in the outbox')` },
    ]),
});
