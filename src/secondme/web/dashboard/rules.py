"""Every rule that can end or hold a message, in the owner's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`short` stands under a bubble, `sentence` in its receipt."""

    short: str
    sentence: str


RULES = {
    "contact.enabled": Rule(
        "may answer",
        "This contact may be answered, nothing is paused, and the message is recent enough.",
    ),
    "contact.disabled": Rule(
        "contact not enabled", "You have not said that this contact may be answered, so nobody answers."
    ),
    "contact.elsewhere": Rule(
        "no address here",
        "They are known by an id that another of your businesses was given, and no number: it leads nowhere from this"
        " account, so nothing was sent. Once they write to this account they can be answered.",
    ),
    "contact.paused": Rule(
        "contact paused",
        "This contact was paused when it arrived. What meets a pause is never answered later.",
    ),
    "switch.pressed": Rule(
        "everything stopped",
        "Everything was stopped. What meets the stop is never answered, also after you resume.",
    ),
    "owner.stepped_in": Rule(
        "you stepped in",
        "You wrote to this contact yourself. Whatever was being prepared before that is dropped.",
    ),
    "message.stale": Rule(
        "too old", "It was sent more than seven days ago. Such messages are kept, never answered."
    ),
    "message.late": Rule(
        "too late", "It was sent longer ago than this account still answers, so silence is politer."
    ),
    "message.expired": Rule(
        "expired", "It was held until its content had to be erased, so it ended without an answer."
    ),
    "message.not_text": Rule(
        "not text", "It is no text and nothing was written under it, and only words are answered."
    ),
    "message.empty": Rule("empty", "It holds no words to answer."),
    "message.system": Rule("a notice", "WhatsApp said something about this contact, such as a new number."),
    "message.reaction": Rule("a reaction", "A reaction is noted and never answered."),
    "message.deleted": Rule("deleted", "Its sender deleted it before it was answered."),
    "message.edit": Rule("an edit", "It replaced the text of an earlier message."),
    "message.edit_late": Rule(
        "a late edit", "It changed a message that had been answered already; it is only kept."
    ),
    "message.edit_unknown": Rule("an edit", "It changes a message that is not known here."),
    "message.deletion": Rule("a deletion", "It erased an earlier message."),
    "message.deletion_unknown": Rule("a deletion", "It deletes a message that is not known here."),
    "rate.limit": Rule(
        "too many messages", "Too many messages came within a minute, so this contact is paused for an hour."
    ),
    "rate.throttled": Rule(
        "slowed down", "Too many messages came within a minute; it is answered when there is room."
    ),
    "quiet.hours": Rule("quiet hours", "It arrived in your quiet hours."),
    "quiet.held": Rule("quiet hours", "It arrived in your quiet hours and is held until they end."),
    "quiet.skipped": Rule("quiet hours", "It arrived in your quiet hours, which you set to skip messages."),
    "mind.failed": Rule("no usable draft", "The mind gave no usable answer, so nothing was said."),
    "mind.fallback": Rule(
        "fixed line", "The mind gave no usable answer, so the fixed line for that case was said."
    ),
    "budget.contact": Rule(
        "budget spent", "What this contact may cost a day is used up, so it got what you set for that case."
    ),
    "budget.day": Rule(
        "day's budget spent", "What a day may cost is used up, so it got what you set for that case."
    ),
    "budget.held": Rule(
        "waits for the budget",
        "Replies that were being written could have used up the budget, so it waited until they were done.",
    ),
    "account.gone": Rule(
        "account gone", "It came to an account that is no longer set up, so nobody answers there."
    ),
    "message.unreadable_seal": Rule(
        "cannot be opened",
        "What is stored of it is damaged or sealed with another key, so it was not answered.",
    ),
    "turn.second_answer": Rule(
        "answered already", "A second answer was about to be planned for it, and the ledger refused."
    ),
    "turn.crashes": Rule(
        "could not be composed", "Composing an answer failed again and again, so the message was put aside."
    ),
    "window.closed": Rule(
        "24-hour window closed",
        "The provider allows free text only within 24 hours of the contact's last message.",
    ),
    "outbox.uncertain": Rule(
        "may not have arrived",
        "Bytes left and no answer came back, so nobody knows whether it arrived. It is not sent twice: ask them.",
    ),
    "outbox.rejected": Rule(
        "refused by the provider", "The provider refused the answer, so nothing arrived."
    ),
    "outbox.unreachable": Rule(
        "could not be sent",
        "The provider could not be reached, or asked to wait, for as long as this account still answers."
        " Nothing arrived.",
    ),
    "outbox.window_closed": Rule(
        "24-hour window closed",
        "The provider refused the answer: it allows free text only within 24 hours of the contact's last message.",
    ),
    "outbox.undeliverable": Rule(
        "undeliverable", "The provider cannot deliver to this contact, so nothing arrived."
    ),
    "outbox.restricted": Rule(
        "account restricted",
        "The provider has restricted this account, so nothing arrived: see its messages.",
    ),
    "outbox.throttled": Rule(
        "too much at once",
        "The provider took the answer and said later that too much was sent, or that it could not just then."
        " Nothing arrived, and it is not sent again.",
    ),
    "outbox.account_down": Rule(
        "account cannot send",
        "The provider took the answer and said later that this account may not send: `secondme doctor` says what to"
        " do. Nothing arrived, and it is not sent again.",
    ),
    "outbox.template": Rule(
        "template refused",
        "The provider refused the template: its parameters, its language, that it is paused, or that there is none of"
        " that name. Nothing arrived. Set WHATSAPP_BUSINESS_ACCOUNT_ID to have templates checked before.",
    ),
    "owner.sent": Rule("you had it sent", "You ordered it yourself, by a command."),
    "order.late": Rule(
        "too late", "It could not leave within two minutes of your order, so it never will: order it again."
    ),
    "sender.gone": Rule("may not have arrived", "The process that was sending it stopped half way."),
}


def rule(name: str | None) -> Rule | None:
    """The words for a rule; one that has none yet is named by itself."""
    if not name:
        return None
    return RULES.get(name, Rule(name, f"It was decided by the rule {name}."))
