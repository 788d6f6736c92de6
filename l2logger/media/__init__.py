"""Images, videos, figures and arrays: checked and copied in the calling thread, made files in another one."""
