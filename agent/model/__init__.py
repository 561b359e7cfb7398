"""The language model: reached by LangChain, paid by the call, believed in nothing."""
