# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2019
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest -Uri https://example.com/miniconda.exe -OutFile c:\miniconda.exe ; `
    Start-Process c:\miniconda.exe -ArgumentList '/S' -Wait ; `
    Remove-Item c:\miniconda.exe
COPY model.onnx c:\models\
WORKDIR c:\app
CMD ["python", "c:\\app\\serve.py"]
