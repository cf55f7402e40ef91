"""Notices: where they go, and which press answers a question."""

from meter.clock import Clock
from meter.notice import Notice
from meter_bench import Ticks


def notice(has_display=False):
    ticks, console, woken = Ticks(), [], []
    made = Notice(Clock(ticks), console.append)
    made.has_display = has_display
    made.wake = lambda: woken.append(made.lines)
    return made, ticks, console, woken


def press(made):
    return made.press(made._clock.peek_ms())


def test_without_a_display_the_console_says_it():
    made, _, console, _ = notice()
    made.say(("PIN 123456", "5 minutes"))
    assert console == ["notice: PIN 123456", "notice: 5 minutes"]
    made.clear()
    assert made.lines == () and len(console) == 2


def test_a_display_is_woken_and_the_console_is_silent():
    made, _, console, woken = notice(True)
    made.say(("PIN 123456",))
    made.clear()
    assert woken == [("PIN 123456",), ()]
    assert console == []


def test_a_press_answers_once_and_only_what_could_be_read():
    made, ticks, _, woken = notice(True)
    answers = []
    assert not press(made)
    made.ask(("Share a week?",), lambda: answers.append(ticks.now_ms))
    ticks.now_ms += 2999
    assert not press(made) and not answers
    made.shown()  # it was drawn only now
    ticks.now_ms += 2999
    assert not press(made)
    ticks.now_ms += 1
    assert press(made) and answers == [ticks.now_ms]
    assert not press(made) and len(answers) == 1
    assert len(woken) == 6


def test_a_press_answers_no_information_and_nothing_cleared():
    made, ticks, _, _ = notice()
    made.ask(("Share a week?",), lambda: 1 / 0)
    made.say(("PIN 123456",))
    ticks.now_ms += 10_000
    assert not press(made)
    made.ask(("Share a week?",), lambda: 1 / 0)
    made.clear()
    ticks.now_ms += 10_000
    assert not press(made)
