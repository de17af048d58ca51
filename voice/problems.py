"""What can go wrong in a spoken conversation, as its users are told."""

from core.problems import NotFound, Unavailable


class NoVoice(Unavailable):
    """Nothing can speak: no engine, or its process does not answer."""

    code = "no_voice"
    title = "语音播报暂时不可用"


class NoRecogniser(Unavailable):
    code = "no_recogniser"
    title = "语音识别暂时不可用"


class TooManyCalls(Unavailable):
    code = "too_many_calls"
    title = "语音通话繁忙，请稍后再试"


class RecordingNotFound(NotFound):
    code = "recording_not_found"
    title = "没有这段录音"
