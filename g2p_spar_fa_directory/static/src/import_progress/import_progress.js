import { Component, useEffect } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const INTERVAL = 1000; // milliseconds

/** Progress bar of a directory import, which reads the record again while it runs. */
export class ImportProgress extends Component {
    static template = "g2p_spar_fa_directory.ImportProgress";
    static props = { ...standardFieldProps };

    setup() {
        useEffect(
            (state) => {
                if (state === "running") {
                    const timer = setInterval(() => this.props.record.load(), INTERVAL);
                    return () => clearInterval(timer);
                }
            },
            () => [this.props.record.data.state]
        );
    }

    get percent() {
        return Math.round(this.props.record.data.progress);
    }
}

registry.category("fields").add("g2p_fa_import_progress", {
    component: ImportProgress,
    supportedTypes: ["float"],
    fieldDependencies: [
        { name: "state", type: "selection" },
        { name: "done_count", type: "integer" },
        { name: "total_count", type: "integer" },
    ],
});
