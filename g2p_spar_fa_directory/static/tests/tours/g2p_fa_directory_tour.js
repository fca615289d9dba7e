import { registry } from "@web/core/registry";

import { patient } from "@g2p_spar_fa_directory/../tests/tours/patience";

// A viewer tries a strategy: what is typed is constructed and taken apart at once.
registry.category("web_tour.tours").add("g2p_fa_strategy_try", {
    steps: () => patient([
        { trigger: ".o_data_row td:contains('Bank account (G2P-Connect)')", run: "click" },
        { trigger: "button:contains('Try this Strategy')", run: "click" },
        {
            trigger: ".modal .o_field_widget[name=account_number] input",
            run: "edit 12345 && click body",
        },
        {
            trigger: ".modal .o_field_widget[name=bank_code] input",
            run: "edit TPLAIN && click body",
        },
        { trigger: ".modal .o_field_widget[name=constructed]:contains('account:12345@TPLAIN')" },
        { trigger: ".modal:not(:has(.o_field_widget[name=mobile_number]))" },
        {
            trigger: ".modal .o_field_widget[name=string] input",
            run: "edit account:999@OTHER && click body",
        },
        { trigger: ".modal .o_field_widget[name=deconstructed]:contains('bank_code: OTHER')" },
        {
            trigger: ".modal .o_field_widget[name=account_number] input",
            run: "edit 12@345 && click body",
        },
        { trigger: ".modal .o_field_widget[name=construct_problem]:contains('must not contain')" },
        { trigger: ".modal button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_form_view" },
    ]),
});

// An officer goes from a bank to its branches and finds one by typing.
registry.category("web_tour.tours").add("g2p_fa_provider_branches", {
    steps: () => patient([
        { trigger: ".o_searchview_input", run: "edit Test Bank Ltd." },
        { trigger: ".o_searchview_autocomplete .o-dropdown-item:first", run: "click" },
        {
            trigger:
                ".o_kanban_record:contains('Test Bank Ltd.') a[name=action_view_branches]:contains('2')",
            run: "click",
        },
        { trigger: ".o_data_row:contains('Market Square')" },
        { trigger: ".o_searchview_input", run: "edit TBANK000001" },
        { trigger: ".o_searchview_autocomplete .o-dropdown-item:first", run: "click" },
        {
            trigger:
                ".o_list_view:not(:has(td:contains('Market Square'))) td:contains('Main Street')",
            run: "click",
        },
        { trigger: ".o_form_view .o_field_widget[name=code] input:value('TBANK000001')" },
    ]),
});

// An officer imports a file: preview, then progress until it is done.
registry.category("web_tour.tours").add("g2p_fa_import", {
    steps: () => patient([
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name=list_name] input", run: "edit tour-list && click body" },
        {
            trigger: ".o_field_widget[name=file] .o_select_file_button",
            run() {
                const rows = [
                    "provider_code,provider_name,branch_code",
                    "TIMP,Imported Bank,",
                    "TIMP,,TIMP1",
                    "T IMP,Rejected Bank,",
                ];
                const files = new DataTransfer();
                files.items.add(new File([rows.join("\n")], "banks.csv", { type: "text/csv" }));
                const input = document.querySelector(".o_field_widget[name=file] input[type=file]");
                input.files = files.files;
                input.dispatchEvent(new Event("change"));
            },
        },
        { trigger: ".o_field_widget[name=file] input:value('banks.csv')" },
        { trigger: "button[name=action_check]", run: "click" },
        { trigger: ".o_field_widget[name=provider_rejected]:contains('1')" },
        { trigger: ".o_data_row:contains('Rejected'):contains('printable ASCII')" },
        { trigger: ".o_field_widget[name=rejected_file] .fa-download" },
        { trigger: "button[name=action_run]:contains('Import')", run: "click" },
        { trigger: ".progress[role=progressbar]" },
        { trigger: ".o_arrow_button_current:contains('Done')" },
        { trigger: ".o_field_widget[name=branch_new]:contains('1')" },
        { trigger: "button[name=action_view_providers]", run: "click" },
        { trigger: ".o_kanban_record:contains('Imported Bank'):contains('1 branches')" },
    ]),
});
