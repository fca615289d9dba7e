/* Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details. */
import { registry } from "@web/core/registry";

import { patient } from "@g2p_spar_fa_directory/../tests/tours/patience";

const ID = "token:31415926@nationalId";
const input = (name) => `.modal .o_field_widget[name='${name}'] input`;

/** An officer links an ID at the counter, finds it, suspends it, and reads its history. */
registry.category("web_tour.tours").add("g2p_spar_mapper_officer", {
    steps: () => patient([
        { trigger: "button:contains('Link an ID')", run: "click" },
        { trigger: input("id_value"), run: `edit ${ID}` },
        { trigger: input("provider_id"), run: "edit Testing Bank" },
        { trigger: ".o-autocomplete--dropdown-item:contains('Testing Bank')", run: "click" },
        { trigger: input("number"), run: "edit 12" },
        // the row of branches comes when the server has answered: what is typed stays
        { trigger: ".modal .o_field_widget[name='branch_id']" },
        { trigger: `${input("number")}:value(12)` },
        { trigger: input("reason"), run: "edit came to the counter" },
        { trigger: ".modal-footer button:contains('Apply')", run: "click" },
        { trigger: ".modal:contains('account_number: ') button:contains('Close')", run: "click" },
        { trigger: input("number"), run: "edit 123456789" },
        { trigger: ".modal-footer button:contains('Apply')", run: "click" },
        { trigger: "body:not(:has(.modal)) td:contains('TSTB ••••789')" },
        { trigger: ".o_searchview_input", run: `edit ${ID}` },
        { trigger: ".o-dropdown-item:contains('Whole ID')", run: "click" },
        { trigger: ".o_searchview_facet:contains('Whole ID')" },
        { trigger: "td:contains('TSTB ••••789')", run: "click" },
        { trigger: "button:contains('Suspend')", run: "click" },
        { trigger: input("reason"), run: "edit phone lost" },
        { trigger: ".modal-footer button:contains('Apply')", run: "click" },
        { trigger: ".alert:contains('phone lost')" },
        { trigger: "button:contains('Show Address')", run: "click" },
        { trigger: input("reason"), run: "edit the bank called" },
        { trigger: ".modal-footer button:contains('Show')", run: "click" },
        { trigger: ".modal .o_field_widget[name='fa']:contains('account:123456789@TSTB')" },
        { trigger: ".modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal)) button:contains('History')", run: "click" },
        { trigger: "tr:contains('Suspend'):contains('phone lost')" },
        { trigger: "tr:contains('Link'):contains('came to the counter')" },
    ]),
});

/** A manager gives a participant a new secret, and sees it once. */
registry.category("web_tour.tours").add("g2p_spar_mapper_manager", {
    steps: () => patient([
        { trigger: "td:contains('Participant free')", run: "click" },
        { trigger: "button:contains('New Secret')", run: "click" },
        { trigger: ".modal-footer button:contains('Make a New Secret')", run: "click" },
        { trigger: ".modal .o_field_widget[name='client_secret']:visible" },
        { trigger: ".modal-footer button:contains('Done')", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_form_view" },
    ]),
});

/** A viewer sees masks, and no button that changes or shows anything. */
registry.category("web_tour.tours").add("g2p_spar_mapper_viewer", {
    steps: () => patient([
        { trigger: "td:contains('TSTB ••••789')", run: "click" },
        {
            trigger: ".o_form_view h1:contains('@nationalId')",
            run() {
                const forbidden = /Change Address|Suspend$|Unlink|Show Address|31415926/;
                for (const button of document.querySelectorAll(".o_form_view button")) {
                    if (forbidden.test(button.textContent.trim())) {
                        throw new Error(`a viewer sees ${button.textContent}`);
                    }
                }
                if (document.body.textContent.includes("31415926")) {
                    throw new Error("a viewer sees a clear ID");
                }
            },
        },
    ]),
});
