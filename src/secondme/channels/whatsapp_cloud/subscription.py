"""Whether Meta posts anything to the app: a business account tells only the apps that are subscribed to it.

https://developers.facebook.com/documentation/business-messaging/whatsapp/solution-providers/manage-webhooks
"""

from secondme.channels.whatsapp_cloud.asking import ask
from secondme.channels.whatsapp_cloud.number import Number
from secondme.channels.whatsapp_cloud.values import listed, named, text
from secondme.domain.errors import ConfigError

_UNKNOWN = "Whether the app is subscribed to the WhatsApp Business Account cannot be asked."


async def subscribed(number: Number) -> str:
    """What doctor says of it. Raises ConfigError with what to do where the token's app is not among them."""
    answer = await ask(number, f"{number.business_account_id}/subscribed_apps", {}, _UNKNOWN)
    data = [named(item, "whatsapp_business_api_data") for item in listed(answer, "data")]
    apps = [id_ for app in data if (id_ := text(named(app, "id"))).isdigit()]
    own = await _own_app(number) if apps else ""
    if own in apps:
        return f"the token's app ({own}) is subscribed to the WhatsApp Business Account"
    if own or not apps:
        raise ConfigError(
            "The token's app is not subscribed to the WhatsApp Business Account, so Meta posts nothing to it: run"
            f" curl -X POST -H 'Authorization: Bearer TOKEN' {number.graph}/{number.business_account_id}"
            "/subscribed_apps with WHATSAPP_PERMANENT_TOKEN as TOKEN; docs/channels/whatsapp_cloud.md has it in full."
        )
    return f"subscribed to the WhatsApp Business Account: {', '.join(apps)}; see that your app's id is among them"


async def _own_app(number: Number) -> str:
    """The id of the token's app; empty where Meta does not tell, as it need not tell every system user.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    try:
        answer = await ask(number, "debug_token", {"input_token": number.token}, _UNKNOWN)
    except ConfigError:
        return ""
    return text(named(answer["data"], "app_id"))
