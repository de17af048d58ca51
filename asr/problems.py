"""What can go wrong in speech recognition, as its users are told."""

from core.problems import InvalidInput, NotFound, Problem, Unavailable


class ModelUnusable(Problem):
    """The recogniser's model is missing or damaged."""

    code = "speech_model_unusable"
    status = 503
    title = "语音识别模型不可用"


class EngineMissing(Problem):
    """An optional engine was asked for and is not installed."""

    code = "speech_engine_missing"
    status = 503
    title = "语音识别引擎未安装"


class TooManySessions(Unavailable):
    code = "too_many_speech_sessions"
    title = "语音识别繁忙，请稍后再试"


class AudioUnusable(InvalidInput):
    """Empty, damaged or no audio at all."""

    code = "audio_unusable"
    title = "音频无法识别"


class AudioTooLong(InvalidInput):
    code = "audio_too_long"
    title = "音频过长"


class DownloadFailed(Problem):
    """A published model could not be fetched, or is not what it should be."""

    code = "speech_model_download_failed"
    status = 502
    title = "语音识别模型下载失败"
    retry = True


class UnknownModel(NotFound):
    code = "unknown_speech_model"
    title = "没有这个语音识别模型"


class AdaptationFailed(Problem):
    """The language part could not be built anew; the one in use stays."""

    code = "speech_adaptation_failed"
    status = 500
    title = "语音识别语言模型更新失败"
