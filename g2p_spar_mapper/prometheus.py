# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""Prometheus' text format, version 0.0.4: gauges only, since no process knows what others count."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def gauge(name, help_text, samples):
    """The lines of a gauge.

    :param samples: a number, or a list of pairs of labels (a dict) and number.
    :rtype: str
    """
    if not isinstance(samples, list):
        samples = [({}, samples)]
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
    lines += [f"{name}{_labels(labels)} {number:.15g}" for labels, number in samples]
    return "\n".join(lines) + "\n"


def _labels(labels):
    pairs = [f'{name}="{str(value).translate(_ESCAPED)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""
