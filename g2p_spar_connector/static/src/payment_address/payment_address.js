import { Component, reactive, useEffect, useState } from "@odoo/owl";
import { formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const { DateTime } = luxon;
const KEPT = 10;

/**
 * What the mapper says of the contacts on screen, by their key: the smart button and the tab of one
 * form show one look-up.
 */
const lookUpService = {
    dependencies: ["orm"],
    start(env, { orm }) {
        const lookUps = reactive({});
        async function lookUp(key, resId) {
            const outdated = Object.keys(lookUps).slice(0, -KEPT);
            outdated.forEach((name) => delete lookUps[name]);
            lookUps[key] = { isLoading: true };
            try {
                const result = await orm.silent.call("res.partner", "spar_look_up", [[resId]]);
                lookUps[key] = { isLoading: false, ...result };
            } catch {
                const message = _t("The address could not be looked up.");
                lookUps[key] = { isLoading: false, outcome: "unavailable", message };
            }
        }
        return {
            lookUps,
            lookUp,
            lookUpOnce: (key, resId) => key in lookUps || lookUp(key, resId),
        };
    },
};
registry.category("services").add("spar_payment_address", lookUpService);

/** Looks the contact up when its form is opened, and again when it was saved. */
class PaymentAddressBase extends Component {
    static props = { ...standardWidgetProps };

    setup() {
        this.service = useService("spar_payment_address");
        this.lookUps = useState(this.service.lookUps);
        useEffect(
            (key, resId) => {
                if (resId) {
                    this.service.lookUpOnce(key, resId);
                }
            },
            () => [this.key, this.resId]
        );
    }

    get resId() {
        return this.props.record.resId;
    }

    get key() {
        const { id, data } = this.props.record;
        return `${id} ${this.resId} ${data.write_date || ""}`;
    }

    get found() {
        return this.lookUps[this.key] || { isLoading: Boolean(this.resId) };
    }

    get state() {
        const states = {
            id_active: _t("Linked"),
            id_inactive: _t("Suspended"),
            id_not_found: _t("Not linked"),
            id_missing: _t("No ID"),
            unavailable: _t("No answer"),
            no_connector: _t("No connector"),
        };
        return this.found.isLoading ? _t("…") : states[this.found.outcome] || _t("Not known");
    }

    get provider() {
        return [this.found.provider, this.found.branch].filter(Boolean).join(", ");
    }
}

/** In the button box: the masked address, else what there is instead. A click opens the tab. */
export class PaymentAddressStat extends PaymentAddressBase {
    static template = "g2p_spar_connector.PaymentAddressStat";

    openTab(ev) {
        const form = ev.currentTarget.closest(".o_form_view") || document;
        form.querySelector(".o_notebook_headers [name='spar_payment_address']")?.click();
    }
}

export class PaymentAddress extends PaymentAddressBase {
    static template = "g2p_spar_connector.PaymentAddress";

    setup() {
        super.setup();
        this.action = useService("action");
    }

    get since() {
        return this.found.since && formatDate(DateTime.fromISO(this.found.since));
    }

    get isKnown() {
        return ["id_active", "id_inactive", "id_not_found"].includes(this.found.outcome);
    }

    lookUpAgain() {
        return this.service.lookUp(this.key, this.resId);
    }

    /** Open a dialog about the contact as it was saved, and look it up again afterwards. */
    async open(name) {
        if (await this.props.record.save()) {
            await this.action.doActionButton({
                type: "object",
                name,
                resModel: "res.partner",
                resId: this.resId,
                resIds: [this.resId],
                // what is to be replaced is the address that was shown
                context: { spar_before_key: this.found.address_key || false },
                onClose: () => this.lookUpAgain(),
            });
        }
    }
}

const fieldDependencies = [{ name: "write_date", type: "datetime" }];
registry
    .category("view_widgets")
    .add("spar_payment_address", { component: PaymentAddress, fieldDependencies })
    .add("spar_payment_address_stat", { component: PaymentAddressStat, fieldDependencies });
