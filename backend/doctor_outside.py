"""Whoever stands outside and carries something for us: do they believe us, and what do they get?"""

from urllib.parse import urlsplit

from backend.config import Mode, Settings, SmsGateway
from backend.errors import FollowupError
from backend.providers import Provider, heartbeat_provider, mail_provider, text_provider
from backend.symptoms import Examination, Health, Symptom, failed
from notifications.channels import Undeliverable
from notifications.channels.calls import Unanswered
from notifications.channels.email import Email
from notifications.channels.sms import Twilio
from notifications.channels.template_gateway import gateway_for
from notifications.channels.template_wire import Answered
from notifications.templates import load_templates


def outside(settings: Settings) -> Examination:
    """Everybody, and whether our texts are registered where they must be. Asks, and sends nothing."""
    yield from _gateway(settings)
    yield from _mail(settings)
    yield from _heartbeat(settings)
    yield from _registered_templates(settings)


def _gateway(settings: Settings) -> Examination:
    """Production with the simulator does not get past the settings; a rehearsal is told what it is."""
    provider = text_provider(settings)
    others = [mail_provider(settings.smtp_url)] if settings.smtp_url else []
    if settings.sms_gateway is SmsGateway.SIMULATOR and settings.mode is not Mode.DEMO:
        yield Symptom("gateway", Health.WARNING, "the simulator: no text reaches a phone", "Only to rehearse with.")
    else:
        yield from _carrier(settings, provider)
    abroad = [one for one in (provider, *others) if one.leaves_the_country]
    for one in abroad:
        advice = "Have this covered by consent and by the data protection officer."
        yield Symptom("abroad", Health.WARNING, f"{one.name} ({one.region}) receives {one.receives}", advice)
    if not abroad:
        yield Symptom("abroad", Health.OK, "no provider stands abroad")


def _carrier(settings: Settings, provider: Provider) -> Examination:
    """Whether Twilio believes us; asks, and sends nothing."""
    if settings.twilio is None:
        yield Symptom("gateway", Health.OK, provider.name)
        return
    twilio = Twilio(settings.twilio, settings.public_url)
    try:
        twilio.greet()
    except Undeliverable as refused:
        advice = "Are account, token and the way to api.twilio.com right? www.twilio.com/docs/api/errors has the codes."
        yield failed("gateway", f"{provider.name}: {refused.code}", advice)
        return
    fake = settings.twilio.base_url
    if fake:
        yield Symptom(
            "gateway", Health.WARNING, f"{fake} plays Twilio: no text reaches a phone", "Only to rehearse with."
        )
    else:
        yield Symptom("gateway", Health.OK, f"{provider.name} believes us")
    if twilio.is_on_trial():
        saw = "the account is on trial: strangers get no text, and others get one with words of Twilio's in front"
        health = Health.FAILED if settings.mode is Mode.PRODUCTION else Health.WARNING
        yield Symptom("trial", health, saw, "Upgrade it in Twilio's console before the first patient.")
    saw = "telephones of +86 get texts through Twilio, if at all, and cannot reply"
    yield Symptom("conversations", Health.WARNING, saw, "For them use FOLLOWUP_SMS_GATEWAY=template.")


def _mail(settings: Settings) -> Examination:
    """Signs in as a page would, and sends nothing."""
    if settings.smtp_url is None:
        yield Symptom("mail", Health.WARNING, "no copy of a page goes by e-mail", "Set FOLLOWUP_SMTP_URL.")
        return
    named = f"{settings.smtp_url.host}:{settings.smtp_url.port}"
    try:
        Email(settings.smtp_url).greet()
    except Undeliverable as refused:
        because = f"{refused.code}, {type(refused.__cause__).__name__}" if refused.__cause__ else refused.code
        yield failed("mail", f"{named}: {because}", "Are FOLLOWUP_SMTP_URL, the certificate and the account right?")
        return
    yield Symptom("mail", Health.OK, f"{named} takes mail from us")


def _heartbeat(settings: Settings) -> Examination:
    """Who would notice from outside that this machine is dead. The address itself is a secret, and is not called."""
    told = heartbeat_provider(settings)
    saw = f"{told.name} is told {told.receives}" if told else "nobody outside would notice that this machine is dead"
    yield Symptom("heartbeat", Health.OK, saw, "" if told else "FOLLOWUP_HEARTBEAT_URL names an alarm service.")


def _registered_templates(settings: Settings) -> Examination:
    """Whether the gateway of templates has approved our texts, word for word. Sends nothing."""
    if settings.template is None:
        return
    name, host = "registered templates", urlsplit(settings.template.base_url).hostname
    try:
        differences = gateway_for(settings.template, load_templates()).differences()
    except FollowupError as wrong:
        yield failed(name, wrong.detail, "Correct FOLLOWUP_TEMPLATE_MAP; nothing starts without it.")
        return
    except (Answered, Unanswered) as failure:
        advice = "Are FOLLOWUP_TEMPLATE_BASE_URL, _APP_ID and _SECRET right, and this machine's clock?"
        yield failed(name, f"{host}: {type(failure).__name__}, {failure}", advice)
        return
    if differences:
        advice = "Register them word for word; telephones show what the gateway approved."
        yield failed(name, f"{host}: {', '.join(differences)}", advice)
        return
    yield Symptom(name, Health.OK, f"{host} has approved every text as it is")
