import { registry } from "@web/core/registry";

import { patient } from "@g2p_spar_fa_directory/../tests/tours/patience";

// A manager makes a rule, and tries it on a contact: the ID is shown masked.
registry.category("web_tour.tours").add("g2p_spar_id_rule", {
    steps: () => patient([
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name=name] input", run: "edit By the tour && click body" },
        // Chosen, not searched: while the server takes its time to answer, Odoo's menu shows nothing in
        // place of what was searched, and takes that for cleared when the next field is gone to.
        { trigger: ".o_field_widget[name=field_name] input", run: "click" },
        { trigger: ".o_select_menu_item:contains('(vat)')", run: "click" },
        { trigger: ".o_field_widget[name=field_name] input:value('(vat)')" },
        { trigger: ".o_field_widget[name=strategy_id] input", run: "edit National ID for tests" },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('National ID for tests')",
            run: "click",
        },
        { trigger: ".o_form_button_save:visible", run: "click" },
        { trigger: "button[name=action_try]:visible", run: "click" },
        {
            trigger: ".modal .o_field_widget[name=partner_id] input",
            run: "edit Contact of the tour",
        },
        {
            trigger: ".modal .o-autocomplete--dropdown-item:contains('Contact of the tour')",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=id_masked]:contains('token:••••9012@nationalId')",
        },
        { trigger: ".modal button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_form_view" },
    ]),
});
