# Part of SPAR on Odoo. See LICENSE file for full copyright and licensing details.
"""benchmarks/asynchronous: links of many items, synchronous and asynchronous in turn.

An asynchronous link ends when its callback has arrived, with every item told to be linked.
"""

import argparse
import contextlib
import statistics
import sys
import threading
import time

import own_server
from spar_setup import installation as setup
from spar_setup.console import SetupError, end, step

from .registry import Registry
from .sender import Message, Receiver

MOST_ACK_MS = 100
LEAST_ITEMS_PER_SECOND = 5_000
LEAST_SHARE = 0.35
PATIENCE = 300


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/asynchronous",
        description="Measure how soon asynchronous links are acknowledged, and how fast they are "
        "carried out and called back, beside synchronous links of the same size.",
    )
    parser.add_argument("--items", type=int, default=10_000, help="of a message (10 000)")
    parser.add_argument("--messages", type=int, default=10, help="of a round (10)")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind (3)")
    options = parser.parse_args(arguments)
    if not 1 <= options.items <= 10_000 or options.messages < 2 or options.rounds < 1:
        raise SetupError("--items goes from 1 to 10 000; --messages begins at 2, --rounds at 1.")
    return options


def main(arguments):
    options = parse(arguments)
    installation = setup.install()
    with own_server.running(installation) as (server, folder):
        registry = Registry(installation, server, folder / "asynchronous")
        with Receiver() as receiver, contextlib.closing(registry):
            registry.start(receiver.url)
            results = measure(registry, receiver, options)
    print("\n".join(report(results, options)))


def measure(registry, receiver, options):
    """Seconds of each round by kind, and of each acknowledgement."""
    results = {"ack, idle": [], "ack, loaded": [], "sync": [], "async 1": [], "async 2": []}
    with step("Warming up"):
        for participant in registry.participants:
            run_synchronous([participant], 1, options.items)
            run_asynchronous([participant], receiver, 1, options.items)
    for number in range(options.rounds):
        with step(f"Round {number + 1} of {options.rounds}"):
            both = registry.participants
            results["sync"].append(run_synchronous(both, options.messages, options.items))
            for name, senders in (("async 1", both[:1]), ("async 2", both)):
                seconds, acks = run_asynchronous(senders, receiver, options.messages, options.items)
                results[name].append(seconds)
                results["ack, loaded"] += acks
            for _message in range(options.messages):
                _seconds, acks = run_asynchronous(both[:1], receiver, 1, options.items)
                results["ack, idle"] += acks
    return results


def run_synchronous(participants, count, items):
    """Seconds until all of so many messages are answered; each participant sends one at a time."""
    messages = made(participants, count, items)

    def send(message):
        answer = message.send("sync")
        if answer.count(b'"status":"succ"') < items:
            raise SetupError(f"Not all of it was linked: {answer[:500]}")

    return timed(participants, messages, send)


def run_asynchronous(participants, receiver, count, items):
    """Seconds until the callbacks of so many messages have arrived, and those of each ACK."""
    messages = made(participants, count, items)
    acks = []

    def send(message):
        began = time.perf_counter()
        answer = message.send("async")
        acks.append(time.perf_counter() - began)
        if b'"ACK"' not in answer:
            raise SetupError(f"Not acknowledged: {answer[:500]}")

    began = time.perf_counter()
    timed(participants, messages, send)
    for message in messages:
        linked = receiver.await_linked(message.transaction_id, PATIENCE)
        if linked != items:
            raise SetupError(f"{linked} of {items} items were linked.")
    return receiver.last_at - began, acks


def made(participants, count, items):
    return [Message(participants[number % len(participants)], items) for number in range(count)]


def timed(participants, messages, send):
    """Seconds until each participant, all at once, has sent its messages one after the other."""
    problems = []

    def run(participant):
        try:
            for message in messages:
                if message.participant is participant:
                    send(message)
        except Exception as error:  # noqa: BLE001 - told below
            problems.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in participants]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SetupError(f"{type(problems[0]).__name__}: {problems[0]}") from problems[0]
    return time.perf_counter() - began


def report(results, options):
    """Lines of a table; medians of the rounds."""
    total = options.messages * options.items
    yield (
        f"{options.rounds} rounds of {options.messages} messages with {options.items} links each; "
        "medians"
    )
    yield ""
    yield "| what | figure | |"
    yield "|---|---|---|"
    for name in ("ack, idle", "ack, loaded"):
        p50 = statistics.median(results[name]) * 1000
        verdict = told(p50 < MOST_ACK_MS, f"below {MOST_ACK_MS} ms") if name == "ack, idle" else ""
        yield f"| {name}, p50 | {p50:.0f} ms | {verdict} |"
    rates = {
        name: total / statistics.median(seconds)
        for name, seconds in results.items()
        if "ack" not in name
    }
    yield f"| synchronous, 2 connections | {rates['sync']:.0f} items/s | |"
    for name, senders in (("async 1", "1 participant"), ("async 2", "2 participants")):
        share = rates[name] / rates["sync"]
        fast = rates[name] >= LEAST_ITEMS_PER_SECOND and share >= LEAST_SHARE
        verdict = told(fast, f"{LEAST_ITEMS_PER_SECOND} items/s and {LEAST_SHARE} of synchronous")
        yield (
            f"| asynchronous to the callback, {senders} | {rates[name]:.0f} items/s, "
            f"{share:.2f} of synchronous | {verdict} |"
        )


def told(reached, bar):
    return f"{'reached' if reached else '**missed**'}: {bar}"


if __name__ == "__main__":
    end(main, sys.argv[1:])
